;;; tangle.el --- README.org to src/, tests/ and build/book.json  -*- lexical-binding: t -*-

;; In batch:  emacs -Q --batch -l tangle.el -f book-tangle, or -f book-lint
;; In Emacs:  M-x load-file RET tangle.el RET gives README.org its keys:
;; C-c C-v t tangles, C-c C-e h h exports the page, C-c C-c runs a block.

(require 'ob-python)
(require 'org-lint)
(require 'ox-html)

(defvar book-root (file-name-directory (or load-file-name buffer-file-name))
  "The folder of README.org.")

(defconst book-note "Generated from README.org by tangle.el; edit README.org instead."
  "What the first line of a tangled file says.")

(defconst book-targets
  "\\`\\(\\(src\\|tests\\)/[-/a-z0-9_]+\\.[a-z]+\\|requirements\\.txt\\|pyproject\\.toml\\)\\'"
  "Where a block may go.")

(org-link-set-parameters
 "metric" :follow (lambda (path &rest _)
                    (find-file (format "%sfigs/%s.json" book-root (car (split-string path "[.]"))))))

(defun book--stop-at (faults)
  "Print FAULTS, a list of (POSITION . MESSAGE), and leave Emacs if there are any."
  (dolist (fault (sort faults #'car-less-than-car))
    (message "README.org:%d: error: %s" (line-number-at-pos (car fault)) (cdr fault)))
  (when faults (kill-emacs 1)))

(defun book--read ()
  "Make README.org the current buffer and return its parse tree."
  (setq gc-cons-threshold 400000000 enable-local-variables nil org-inhibit-startup t)
  (set-buffer (find-file-noselect (concat book-root "README.org")))
  (org-element-parse-buffer))

(defun book--block (element)
  "Return (TARGET BODY OUTPUT) of the source block ELEMENT; TARGET may be nil."
  (let* ((info (org-babel-get-src-block-info 'light element))
         (target (cdr (assq :tangle (nth 2 info))))
         (results (cdr (assq :results (nth 2 info)))))
    (list (unless (member target '(nil "no")) target)
          (string-trim (nth 1 info) "\n+" "[ \t\n]+")
          (and results (string-match-p "\\_<output\\_>" results) t))))

(defun book--faults (tree)
  "Return what TREE loses without a word: open blocks, and targets out of the house."
  (let (faults blocks)
    (org-element-map tree org-element-all-elements
      (lambda (element)
        (let ((type (org-element-type element)))
          (when (string-suffix-p "-block" (symbol-name type)) (push element blocks))
          (when (eq type 'src-block)
            (let ((target (car (book--block element))))
              (unless (string-match-p book-targets (or target "src/none.py"))
                (push (cons (org-element-property :begin element)
                            (format ":tangle %s is refused; use src/ or tests/" target))
                      faults)))))))
    (goto-char (point-min))
    (while (re-search-forward "^[ \t]*#\\+\\(begin\\|end\\)_" nil t)
      (unless (seq-some (lambda (block) (< (1- (org-element-property :begin block)) (point)
                                           (org-element-property :end block)))
                        blocks)
        (push (cons (point) (format "this block has no %s"
                                    (if (looking-back "end_" 4) "beginning" "end")))
              faults)))
    faults))

;;; Tangle: the blocks of a file, with the blank lines of PEP 8 between them

(defun book--files (tree)
  "Return an alist of the files that the blocks of TREE make: (NAME . TEXT)."
  (let (files)
    (org-element-map tree 'src-block
      (lambda (element)
        (pcase-let ((`(,target ,body ,_) (book--block element)))
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
    (with-temp-buffer
      (let ((coding-system-for-read 'utf-8-unix)) (insert-file-contents name))
      (buffer-string))))

(defun book--write (name text)
  "Write TEXT to the file NAME by a rename, unless it is there already."
  (unless (equal text (book--text name))
    (let ((coding-system-for-write 'utf-8-unix))
      (make-directory (file-name-directory (expand-file-name name)) t)
      (write-region text nil (concat name ".tmp") nil 'silent))
    (rename-file (concat name ".tmp") name t)
    (princ (format "tangle    %s\n" name))))

(defun book-tangle ()
  "Bring src/, tests/ and build/book.json up to date with README.org."
  (let* ((tree (book--read))
         (files (book--files tree))
         (default-directory book-root))
    (book--stop-at (book--faults tree))
    (dolist (folder '("src" "tests")) (make-directory folder t))
    (pcase-dolist (`(,name . ,text) files) (book--write name text))
    (dolist (name (append (directory-files-recursively "src" "\\.\\(py\\|js\\|css\\|html\\)\\'")
                          (directory-files-recursively "tests" "\\.py\\'")))
      (when (and (not (assoc name files)) (string-search book-note (book--text name)))
        (delete-file name)
        (princ (format "tangle    %s removed\n" name))))
    (book--write "build/book.json" (book--json tree))))

(defun book-lint ()
  "Print what org-lint finds in README.org."
  (book--read)
  (book--stop-at
   (mapcar (lambda (report)
             (goto-char (point-min))
             (forward-line (1- (string-to-number (aref (cadr report) 0))))
             (cons (point) (aref (cadr report) 2)))
           (org-lint--generate-reports (current-buffer) org-lint--checkers))))

;;; The tree as JSON, for the page, the notebooks, the numbers and the line map

(defconst book-kept
  '((headline :level :CUSTOM_ID :tags) (src-block :language) (plain-list :type)
    (table-row :type) (link :type :path :raw-link) (keyword :key)
    (dynamic-block :block-name :arguments :contents-begin :contents-end))
  "What Python is told of a type of element, beyond its :name and :value.")

(defun book--nodes (data)
  "Return DATA, a list of elements and strings, as a vector for JSON."
  (vconcat (mapcan #'book--node data)))

(defun book--node (element)
  "Return ELEMENT as a list of JSON values: itself, and the blanks after it."
  (if (stringp element) (list (substring-no-properties element))
    (let* ((type (org-element-type element))
           (blanks (if (memq type org-element-all-objects)
                       (or (org-element-property :post-blank element) 0)
                     0))
           (node `((t . ,(symbol-name type))
                   (at . ,(1- (org-element-property :begin element)))
                   (end . ,(- (org-element-property :end element) 1 blanks)))))
      (cl-flet ((add (key value)
                  (unless (member value '(nil "" [])) (push (cons key value) node))))
        (dolist (property (append '(:name :value) (cdr (assq type book-kept))))
          (let ((value (org-element-property property element)))
            (add (intern (substring (symbol-name property) 1))
                 (cond ((consp value) (vconcat value))
                       ((and value (symbolp value)) (symbol-name value))
                       (t value)))))
        (add 'caption (book--nodes (caar (org-element-property :caption element))))
        (add 'attributes (string-join (org-element-property :attr_html element) " "))
        (add 'result (and (org-element-property :results element) t))
        (add 'title (book--nodes (org-element-property :title element)))
        (add 'tag (book--nodes (org-element-property :tag element)))
        (when (eq type 'src-block)
          (pcase-let ((`(,target ,body ,output) (book--block element)))
            (add 'target target) (add 'body body) (add 'output output)))
        (add 'c (book--nodes (org-element-contents element))))
      (cons node (when (> blanks 0) (list (make-string blanks ?\s)))))))

(defun book--json (tree)
  "Return TREE, and the versions that read it, as JSON."
  (decode-coding-string
   (json-serialize `((emacs . ,emacs-version) (org . ,(org-version)) (length . ,(buffer-size))
                     (c . ,(book--nodes (org-element-contents tree)))))
   'utf-8))

;;; In Emacs: the keys that Org has, with make behind them

(defun book--here-p ()
  "Return non-nil in an interactive Emacs, in the buffer of the book."
  (and (not noninteractive) buffer-file-name
       (file-equal-p buffer-file-name (concat book-root "README.org"))))

(defun book--make (goal)
  "Save README.org and make GOAL; `next-error' visits what is wrong."
  (save-buffer)
  (let ((default-directory book-root)) (compile (concat "make " goal))))

(define-advice org-babel-tangle (:around (stock &rest arguments) book)
  (if (book--here-p) (book--make "tangle") (apply stock arguments)))

(define-advice org-html-export-to-html (:around (stock &rest arguments) book)
  (if (book--here-p) (book--make "page") (apply stock arguments)))

(define-advice org-babel-insert-result (:around (stock result params &rest more) book)
  (when (or (not (book--here-p)) (member "output" params))
    (apply stock result params more)))

(defun org-dblock-write:results (block)
  "Keep what BLOCK holds: make numbers writes it."
  (insert (string-trim-right (or (plist-get block :content) ""))))

(defalias 'org-dblock-write:rows #'org-dblock-write:results)

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
