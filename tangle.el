;;; tangle.el --- The bootstrap of README.org  -*- lexical-binding: t -*-
;; Extracts programs and tests from README.org, checks for drift, exports the page.
;; In batch:  emacs -Q --batch -l tangle.el -f book-batch tangle, or check, lint, page.
;; In Emacs:  M-x load-file RET tangle.el RET gives README.org the keys that it lists.

(eval-and-compile (mapc #'require '(ob-tangle ob-python compile org-lint ox-html)))
(defvar book-root (file-name-directory (or load-file-name buffer-file-name)) "The folder of README.org.")
(defun book--path (name) "Return the full name of NAME in the book's folder." (expand-file-name name book-root))
(define-error 'book-error "README.org is at fault")
(defun book--fail-if (lines) "Stop with LINES, a list of messages, unless it is empty."
  (when lines (signal 'book-error (list (mapconcat #'identity lines "\n")))))

;;; Refuse what Org would run, read from elsewhere, or lose without a word
(defconst book-refused
  '(("^[ \t]*#\\+\\(include\\|setupfile\\|bind\\|call\\):" . "this keyword is refused; the book is one file")
    ("^[ \t]*\\(#\\+macro:.*\\|\\(#\\+\\|:\\)[^: \t\n]+:[ \t]*\\)( *eval" . "a macro that runs Lisp is refused; write its text out")
    ("^[ \t]*#\\+link:.*%(" . "a link that runs Lisp is refused; write the address out")
    ("Local Variables:\\|\\`.*-\\*-.*eval" . "file-local variables are refused; remove them")
    ("<<[a-z_][^<>\n]*>>" . "noweb references are refused; write the code out")
    ("[\x3fff80-\x3fffff]" . "this line is not UTF-8; save the file as UTF-8"))
  "What README.org must not hold: (REGEXP . REASON).")
(defconst book-header "^[ \t]*\\(#\\+\\(begin_src\\|headers?:\\|property:\\)\\|:header-args\\|.*\\_<src_[^ \t\n[{]+\\[\\).*")
(defconst book-target "\\`\"?\\(no\\|\\(src\\|tests\\)/[-/a-z0-9_]+\\.[a-z]+\\|requirements\\.txt\\|pyproject\\.toml\\)\"?\\'")

(defun book--header-fault (line) "Return what is wrong with the header arguments on LINE, or nil."
  (cond ((string-match "[\f\v\r]." line) "a control character is refused; write a space")
        ((string-match "header-args[^ \t]*[ \t]+[^: \t]\\|[ \t]:[^: \t]+[ \t]*\\'" line)
         "header arguments that go on in another line are refused; write them in one")
        ((string-match "[ \t[:]:\\(var\\|comments\\|prologue\\|epilogue\\|noweb[ \t]+[^n \t]\\)" line)
         (format ":%s is refused; write the code out" (match-string 1 line)))
        ((string-match "[ \t[:]:\\([^ \t]+\\)[ \t]+['`([]" line)
         (format "Lisp in :%s is refused; write the value out" (match-string 1 line)))
        ((string-match "[ \t[:]:tangle[ \t]+\\(.*\\)" line)
         (let ((target (car (split-string (match-string 1 line) "[ \t]+\\(:\\|\\'\\)")))
               (rest (substring line (match-beginning 1))))
           (if (string-match-p book-target target) (book--header-fault rest)
             (format ":tangle %s is refused; tangle to src/, tests/, requirements.txt or pyproject.toml" target))))))

(defun book-faults () "Return a README.org:LINE: error: message for all that is refused."
  (with-temp-buffer
    (let ((case-fold-search t) (coding-system-for-read 'utf-8) faults names open)
      (insert-file-contents (book--path "README.org"))
      (cl-flet ((each (regexp act) (goto-char (point-min))
                  (while (and (not (eobp)) (re-search-forward regexp nil t))
                    (funcall act (match-beginning 0))))
                (fault (at why &rest words) (push (cons (line-number-at-pos at) (apply #'format why words)) faults)))
        (dolist (rule book-refused) (each (car rule) (lambda (at) (fault at "%s" (cdr rule)))))
        (each book-header (lambda (at) (let ((why (save-match-data (book--header-fault (match-string 0)))))
                                         (when why (fault at "%s" why)))))
        (each "^[ \t]*#\\+name:[ \t]*\\(.*[^ \t\n]\\)"
              (lambda (at) (let* ((name (match-string 1)) (first (cdr (assoc name names))))
                             (if first (fault at "the name %s is taken by line %d; choose another" name (line-number-at-pos first))
                               (push (cons name at) names)))))
        (each "^[ \t]*#\\+\\(begin\\|end\\)\\(_[^ \t\n]+\\|:\\)\\|^\\*+ \\|\\'"
              (lambda (at)
                (let* ((verb (downcase (or (match-string 1) ""))) (kind (downcase (or (match-string 2) "")))
                       (top (caar open)) (verbatim (member top '("_src" "_example"))))
                  (cond ((and verbatim (not (member kind (list "" top))))) ; shown, not meant
                        ((and (equal verb "end") (equal kind top)) (pop open))
                        ((and (equal verb "begin") (not verbatim)) (push (cons kind at) open))
                        (open (fault (cdr (pop open)) "this block is not closed before line %d" (line-number-at-pos at))
                              (when (equal verb "begin") (push (cons kind at) open)))
                        ((equal verb "end") (fault at "this closes a block that is not open"))))))
        (mapcar (lambda (fault) (format "README.org:%d: error: %s" (car fault) (cdr fault)))
                (sort (delete-dups faults) #'car-less-than-car))))))

;;; Tangle in a scratch folder, then replace what changed
(defconst book-note "Generated from README.org by tangle.el; edit README.org instead.")
(defun book--finish (file) "Give FILE its first line, and PEP 8's blank lines between blocks."
  (let ((kind (file-name-extension file)))
    (with-temp-file file
      (insert (format (pcase kind ("el" ";; %s  -*- lexical-binding: t -*-\n") ((or "css" "js") "/* %s */\n")
                        ("html" "<!-- %s -->\n") (_ "# %s\n")) book-note))
      (insert-file-contents file)
      (delete-char 2)
      (while (re-search-forward "\n*\f\n" nil t) (replace-match (if (equal kind "py") "\n\n\n" "\n\n"))))))

(defun book--bytes (file) "Return the bytes of FILE, or nil if there is none."
  (when (file-exists-p file) (with-temp-buffer (insert-file-contents-literally file) (buffer-string))))
(defun book--tangled (root) "Return the names, relative to ROOT, of its files that carry the note."
  (let ((default-directory root))
    (seq-filter (lambda (file) (and (file-regular-p file) (string-match-p (concat "\\`.*" book-note) (book--bytes file))))
                (append '("requirements.txt" "pyproject.toml")
                        (mapcan (lambda (folder) (directory-files-recursively folder "\\`[^.].*\\.[a-z]+\\'"))
                                (seq-filter #'file-directory-p '("src" "tests")))))))

(defun book--differences (act) "Call ACT with the kind, the name and the fresh copy of each difference."
  (book--fail-if (book-faults))
  (let* ((scratch (file-name-as-directory (make-temp-file "book" t))) (copy (expand-file-name "README.org" scratch))
         (python-indent-guess-indent-offset nil) (coding-system-for-write 'utf-8-unix) (inhibit-message t)
         (org-element-use-cache t) ; for speed
         (org-babel-tangle-body-hook (lambda () (goto-char (point-min)) (insert "\f\n")))) ; marks each block
    (unwind-protect
        (let ((default-directory scratch) fresh)
          (copy-file (book--path "README.org") copy)
          (mapc #'book--finish (delete-dups (org-babel-tangle-file copy)))
          (unless (setq fresh (book--tangled scratch)) (book--fail-if '("README.org:1: error: it has no programs; is it whole?")))
          (dolist (file fresh)
            (let ((old (book--bytes (book--path file))))
              (unless (equal old (book--bytes file)) (funcall act (if old "changed" "missing") file (expand-file-name file)))))
          (dolist (file (seq-difference (book--tangled book-root) fresh)) (funcall act "stale" file nil)))
      (delete-directory scratch t))))
(defun book-tangle () "Bring src/, tests/ and the two root files up to date, each by a rename."
  (book--differences
   (lambda (_kind file fresh)
     (let* ((target (book--path file))
            (temporary (expand-file-name (format ".%d.tmp" (emacs-pid)) (file-name-directory target))))
       (if (null fresh) (delete-file target)
         (make-directory (file-name-directory target) t)
         (copy-file fresh temporary t)
         (set-file-modes temporary #o644)
         (rename-file temporary target t))
       (princ (format "tangle    %s %s\n" file (if fresh "written" "removed: it is no longer in README.org")))))))

(defun book-check () "Stop if a tangled file is missing, changed or stale."
  (let (found)
    (book--differences (lambda (kind file _) (push (format "%s:1: error: %s; run make tangle" file kind) found)))
    (book--fail-if (nreverse found))))
(defun book-lint () "Stop if org-lint finds anything in README.org."
  (with-current-buffer (find-file-noselect (book--path "README.org"))
    (book--fail-if (mapcar (lambda (report) (format "README.org:%s: error: %s" (aref (cadr report) 0) (aref (cadr report) 2)))
                           (org-lint--generate-reports (current-buffer) org-lint--checkers)))))

;;; Export the page: Org reads the text, src/book/page.py sets it
(defun book--raw (element _contents _info) "Hand ELEMENT, a listing or TeX, to page.py as it stands."
  (let ((target (when (eq (org-element-type element) 'src-block)
                  (goto-char (org-element-property :begin element))
                  (cdr (assq :tangle (nth 2 (org-babel-get-src-block-info 'light element)))))))
    (format "<data class=\"%s\" id=\"%s\" data-file=\"%s\" data-language=\"%s\">%s</data>"
            (org-element-type element) (or (org-element-property :name element) "") (or target "no")
            (or (org-element-property :language element) "")
            (org-html-encode-plain-text (org-remove-indentation (org-element-property :value element))))))
(org-link-set-parameters "metric" :export (lambda (path text &rest _) (format "<data value=\"%s\">%s</data>" path text))
 :follow (lambda (path &rest _) (find-file (book--path (format "figs/%s.json" (car (split-string path "[.]")))))))
(defun book--link (link text info) "Hand an inner LINK to page.py, which knows every number; leave others to Org."
  (if (not (member (org-element-property :type link) '("custom-id" "fuzzy"))) (org-html-link link text info)
    (format "<a href=\"#%s\">%s</a>" (org-element-property :path link) (or text ""))))
(org-export-define-derived-backend 'book 'html
  :translate-alist '((link . book--link) (src-block . book--raw) (latex-fragment . book--raw) (latex-environment . book--raw)))
(defun book-page (&optional out) "Export README.org to the file OUT, by default README.html."
  (book--fail-if (book-faults))
  (let* ((org-export-use-babel nil) (default-directory book-root)
         (coding-system-for-read 'utf-8-unix) (coding-system-for-write 'utf-8-unix)
         (process-environment (append `(,(concat "PYTHONPATH=" (book--path "src")) "PYTHONUTF8=1") process-environment))
         (html (with-current-buffer (find-file-noselect (book--path "README.org"))
                 (org-export-as 'book nil nil t '(:html-prefer-user-labels t :html-html5-fancy t :html-doctype "html5"
                                                  :with-toc nil :with-broken-links mark)))))
    (with-temp-buffer
      (insert html)
      (let ((status (call-process-region nil nil (book--path ".venv/bin/python") t t nil
                                         "-m" "book.page" emacs-version (org-version) (or out "README.html"))))
        (if (equal status 0) (princ (buffer-string)) (book--fail-if (list (string-trim (buffer-string)))))))))
(defun book-batch () "Run the function book-WORD that the command line names, with its arguments."
  (setq gc-cons-threshold 100000000 enable-local-variables nil org-inhibit-startup t make-backup-files nil)
  (advice-add 'org-babel-read :filter-args (lambda (arguments) (list (car arguments) 'inhibit-lisp-eval)))
  (let ((arguments (prog1 command-line-args-left (setq command-line-args-left nil))))
    (condition-case problem (apply (intern (concat "book-" (car arguments))) (cdr arguments))
      (error (message "%s" (if (eq (car problem) 'book-error) (cadr problem)
                             (format "README.org:1: error: %s" (error-message-string problem))))
             (kill-emacs 1)))))

;;; In Emacs: the same commands, in a fresh batch Emacs, whatever this one's settings
(defun book--done (buffer how) "Say HOW the run in BUFFER ended, and show its faults; next-error visits them."
  (if (equal how "finished\n") (delete-windows-on buffer) (run-at-time 0.2 nil #'display-buffer buffer))
  (message "%s %s" (buffer-name buffer) (string-trim how)))
(defun book--run (word &optional wait) "Save README.org, run book-WORD in a batch Emacs, and WAIT or edit on."
  (let ((after-save-hook nil)) (save-buffer))
  (let* ((default-directory book-root) (compilation-always-kill t)
         (display-buffer-overriding-action '(display-buffer-no-window (allow-no-window . t)))
         (emacs (shell-quote-argument (expand-file-name invocation-name invocation-directory)))
         (buffer (compilation-start (format "%s -Q --batch -l tangle.el -f book-batch %s </dev/null" emacs word)
                                    nil (lambda (_) (format "*book %s*" word))))
         (process (get-buffer-process buffer)))
    (with-current-buffer buffer (setq-local compilation-finish-functions '(book--done)))
    (message "%s started" buffer)
    (when wait (while (accept-process-output process))
          (unless (equal (process-exit-status process) 0) (user-error "%s failed" buffer)))))
(defun book--here-p () "Return t in an Emacs window on the book."
  (and (not noninteractive) buffer-file-name (file-equal-p buffer-file-name (book--path "README.org"))))
(define-advice org-babel-tangle (:around (stock &rest arguments) book)
  (if (book--here-p) (book--run "tangle") (apply stock arguments)))
(define-advice org-html-export-to-html (:around (stock &rest arguments) book)
  (if (book--here-p) (progn (book--run "page" t) (book--path "README.html")) (apply stock arguments)))
(define-minor-mode book-mode "Tangle README.org whenever it is saved." :lighter " Book"
  (funcall (if book-mode #'add-hook #'remove-hook) 'after-save-hook #'org-babel-tangle nil t))
(defun org-dblock-write:results (block) "Keep what BLOCK holds: make numbers writes it."
  (insert (string-trim-right (plist-get block :content))))
(defun book--show-session () "Show the Python session of the block that ran, where its errors stand."
  (let ((buffer (get-buffer (format "*%s*" (cdr (assq :session (nth 2 (org-babel-get-src-block-info 'light))))))))
    (when buffer (display-buffer buffer))))
(defun book--set-up () "Run this buffer's blocks with the book's Python, without starting a program."
  (when (book--here-p)
    (add-hook 'org-babel-after-execute-hook #'book--show-session nil t)
    (setq-local org-babel-python-command (book--path ".venv/bin/python")
                python-shell-extra-pythonpaths (list (book--path "src"))
                org-babel-default-header-args:python
                '((:session . "book") (:results . "output silent") (:prologue . "__name__ = 'README'")))))
(add-hook 'org-mode-hook #'book--set-up)
(dolist (buffer (buffer-list)) (with-current-buffer buffer (book--set-up)))
;;; tangle.el ends here
