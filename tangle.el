;;; tangle.el --- README.org to src/, tests/ and build/book.json  -*- lexical-binding: t -*-

;; In batch:  emacs -Q --batch -l tangle.el -f book-tangle, or -f book-lint
;; In Emacs:  M-x load-file RET tangle.el RET gives README.org its keys:
;; C-c C-v t tangles, C-c C-e h h exports the page, C-c C-c runs a block.

(require 'ob-python)
(require 'org-lint)
(require 'ox)

(defconst book-root (file-name-directory (or load-file-name buffer-file-name))
  "The folder of README.org.")

(defconst book-note "Generated from README.org by tangle.el; edit README.org instead."
  "What the first line of a tangled file says.")

(defconst book-targets
  "\\`\\(\\(src\\|tests\\)/[-/a-z0-9_]+\\.[a-z]+\\|requirements\\.txt\\|pyproject\\.toml\\)\\'"
  "Where a block may go.")

(org-link-set-parameters "metric")

(defun book--read ()
  "Make README.org the current buffer and return its parse tree."
  (setq gc-cons-threshold 400000000 enable-local-variables nil org-inhibit-startup t)
  (set-buffer (find-file-noselect (concat book-root "README.org")))
  (org-element-parse-buffer))

(defun book--stop-at (faults)
  "Print FAULTS, a list of (LINE MESSAGE), and leave Emacs if there are any."
  (pcase-dolist (`(,line ,said) (sort faults #'car-less-than-car))
    (message "README.org:%d: error: %s" line said))
  (when faults (kill-emacs 1)))

(defun book-lint ()
  "Print what org-lint finds in README.org."
  (book--read)
  (book--stop-at
   (mapcar (pcase-lambda (`(,_ ,report)) (list (string-to-number (aref report 0)) (aref report 2)))
           (org-lint--generate-reports (current-buffer) org-lint--checkers))))

;;; Tangle: the blocks of a file, with the blank lines of PEP 8 between them

(defun book--block (element)
  "Return (TARGET BODY OUTPUT) of the source block ELEMENT; TARGET may be nil."
  (let* ((info (org-babel-get-src-block-info 'light element))
         (target (cdr (assq :tangle (nth 2 info))))
         (results (or (cdr (assq :results (nth 2 info))) "")))
    (list (unless (member target '(nil "no")) target)
          (string-trim (nth 1 info) "\n+" "[ \t\n]+")
          (and (string-match-p "\\_<output\\_>" results) t))))

(defun book--files (tree)
  "Return an alist of the files that the blocks of TREE make: (NAME . TEXT)."
  (let (files)
    (org-element-map tree 'src-block
      (lambda (element)
        (pcase-let ((`(,target ,body ,_) (book--block element)))
          (unless (string-match-p book-targets (or target "src/none.py"))
            (book--stop-at `((,(line-number-at-pos (org-element-property :begin element))
                              ,(format ":tangle %s is refused; use src/ or tests/" target)))))
          (when target (push body (alist-get target files nil nil #'equal))))))
    (pcase-dolist ((and file `(,name . ,bodies)) files)
      (let ((kind (file-name-extension name)))
        (setcdr file (concat (format (pcase kind
                                       ((or "css" "js") "/* %s */\n")
                                       ("html" "<!-- %s -->\n")
                                       (_ "# %s\n"))
                                     book-note)
                             (string-join (reverse bodies) (if (equal kind "py") "\n\n\n" "\n\n"))
                             "\n"))))
    files))

(defun book--text (name)
  "Return the text of the file NAME, or nil if there is none."
  (when (file-exists-p name)
    (with-temp-buffer (insert-file-contents name) (buffer-string))))

(defun book--write (name text)
  "Write TEXT to the file NAME by a rename, unless it is there already."
  (unless (equal text (book--text name))
    (make-directory (file-name-directory (expand-file-name name)) t)
    (write-region text nil (concat name ".tmp") nil 'silent)
    (rename-file (concat name ".tmp") name t)
    (princ (format "tangle    %s\n" name))))

(defun book-tangle ()
  "Bring src/, tests/ and build/book.json up to date with README.org."
  (let* ((tree (book--read))
         (files (book--files tree))
         (default-directory book-root))
    (book--stop-at (mapcar (pcase-lambda (`(,at ,said)) (list (line-number-at-pos at) said))
                           (org-lint-invalid-block tree)))
    (pcase-dolist (`(,name . ,text) files) (book--write name text))
    (dolist (name (append (directory-files-recursively "src" "\\.\\(py\\|js\\|css\\|html\\)\\'")
                          (directory-files-recursively "tests" "\\.py\\'")))
      (when (and (not (assoc name files)) (string-search book-note (book--text name)))
        (delete-file name)
        (princ (format "tangle    %s removed\n" name))))
    (book--write "build/book.json"
                 (decode-coding-string
                  (json-serialize `(:emacs ,emacs-version :org ,(org-version) :length ,(buffer-size)
                                    :c ,(book--nodes (org-element-contents tree))))
                  'utf-8))))

;;; The tree, for the page, the notebooks, the numbers and the lines of a fault

(defconst book-kept
  '(:name :value :level :CUSTOM_ID :tags :language :type :path :raw-link :key :block-name :arguments)
  "The properties of an element that Python is told, where it has them.")

(defun book--nodes (data)
  "Return DATA, a list of elements and strings, as a vector for JSON."
  (vconcat (mapcan #'book--node data)))

(defun book--node (element)
  "Return ELEMENT as a list of JSON values: itself, and the blanks after it."
  (if (stringp element) (list (substring-no-properties element))
    (let* ((get (lambda (key) (org-element-property key element)))
           (type (org-element-type element))
           (blanks (or (and (memq type org-element-all-objects) (funcall get :post-blank)) 0))
           (node (list :t (symbol-name type) :at (1- (funcall get :begin))
                       :end (- (funcall get :end) 1 blanks))))
      (cl-flet ((add (key value)
                  (unless (member value '(nil "" [])) (setq node `(,key ,value ,@node)))))
        (dolist (key book-kept)
          (let ((value (funcall get key)))
            (add key (cond ((consp value) (vconcat value))
                           ((and value (symbolp value)) (symbol-name value))
                           (t value)))))
        (add :html (org-export-read-attribute :attr_html element))
        (add :result (and (funcall get :results) t))
        (add :caption (book--nodes (caar (funcall get :caption))))
        (add :title (book--nodes (funcall get :title)))
        (add :tag (book--nodes (funcall get :tag)))
        (when (eq type 'src-block)
          (pcase-let ((`(,target ,body ,output) (book--block element)))
            (add :line (1+ (line-number-at-pos (funcall get :post-affiliated))))
            (add :target target) (add :body body) (add :output output)))
        (add :c (book--nodes (org-element-contents element))))
      (cons node (when (> blanks 0) (list (make-string blanks ?\s)))))))

;;; In Emacs: the keys that Org has, with make behind them

(defun book--here-p ()
  "Return non-nil in an interactive Emacs, in the buffer of the book."
  (and (not noninteractive) buffer-file-name
       (file-equal-p buffer-file-name (concat book-root "README.org"))))

(pcase-dolist (`(,command . ,goal) '((org-babel-tangle . "tangle")
                                     (org-html-export-to-html . "page")))
  (advice-add command :around
              (lambda (stock &rest arguments)
                (if (not (book--here-p)) (apply stock arguments)
                  (save-buffer)
                  (let ((default-directory book-root)) (compile (concat "make " goal)))))
              '((name . book))))

(define-advice org-babel-insert-result (:around (stock result params &rest more) book)
  (when (or (not (book--here-p)) (member "output" params))
    (apply stock result params more)))

(dolist (name '(org-dblock-write:results org-dblock-write:rows))  ; make writes what they hold
  (defalias name (lambda (block) (insert (string-trim-right (or (plist-get block :content) ""))))))

(defun book--set-up ()
  "Run this buffer's blocks with the book's Python, in one session, as no program."
  (when (book--here-p)
    (setq-local org-babel-python-command (concat book-root ".venv/bin/python")
                python-shell-extra-pythonpaths (list (concat book-root "src"))
                org-babel-default-header-args:python
                '((:session . "book") (:prologue . "__name__ = 'README'")))))

(add-hook 'org-mode-hook #'book--set-up)
(dolist (buffer (buffer-list)) (with-current-buffer buffer (book--set-up)))
;;; tangle.el ends here
