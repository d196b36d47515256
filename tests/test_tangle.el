;; Generated from README.org by tangle.el; edit README.org instead.  -*- lexical-binding: t -*-
(require 'ert)
(require 'cl-lib)

(defconst test-tangle-settings
  "#+PROPERTY: header-args :tangle no :mkdirp yes :eval never-export :noweb no\n")

(defmacro test-tangle-with (text &rest body)
  "Run BODY in a folder whose README.org holds the settings and TEXT."
  (declare (indent 1))
  `(let* ((book-root (file-name-as-directory (make-temp-file "book" t)))
          (default-directory book-root))
     (unwind-protect
         (progn (with-temp-file "README.org" (insert test-tangle-settings ,text)) ,@body)
       (delete-directory book-root t))))

(defun test-tangle-block (file body)
  "Return a source block that sends BODY to FILE."
  (format "#+begin_src python :tangle %s\n%s\n#+end_src\n\n" file body))

(defun test-tangle-read (file)
  "Return the text of FILE."
  (with-temp-buffer (insert-file-contents file) (buffer-string)))

(ert-deftest test-tangle-header-spacing-and-modes ()
  (test-tangle-with (concat (test-tangle-block "src/a.py" "\"\"\"A.\"\"\"")
                            (test-tangle-block "src/a.py" "def f():\n    pass"))
    (let ((standard-output #'ignore)) (with-file-modes #o700 (book-tangle)))
    (should (equal (test-tangle-read "src/a.py")
                   (concat "# " book-note "\n\"\"\"A.\"\"\"\n\n\ndef f():\n    pass\n")))
    (should (= (file-modes "src/a.py") #o644))))

(ert-deftest test-tangle-writes-only-what-changed ()
  (test-tangle-with (test-tangle-block "src/a.py" "x = 1")
    (let ((standard-output #'ignore)) (book-tangle))
    (set-file-times "src/a.py" '(1000 0))
    (should (equal (with-output-to-string (book-tangle)) ""))
    (should (equal (file-attribute-modification-time (file-attributes "src/a.py")) '(1000 0 0 0)))))

(ert-deftest test-tangle-removes-the-stale-and-keeps-the-foreign ()
  (test-tangle-with (concat (test-tangle-block "src/a.py" "x = 1") (test-tangle-block "src/b.py" "y = 2"))
    (let ((standard-output #'ignore)) (book-tangle))
    (with-temp-file "src/mine.py" (insert "z = 3\n"))
    (with-temp-file "README.org" (insert test-tangle-settings (test-tangle-block "src/a.py" "x = 1")))
    (should (string-match-p "src/b.py removed" (with-output-to-string (book-tangle))))
    (should-not (file-exists-p "src/b.py"))
    (should (file-exists-p "src/mine.py"))))

(ert-deftest test-tangle-check-names-every-difference ()
  (test-tangle-with (concat (test-tangle-block "src/a.py" "x = 1") (test-tangle-block "src/b.py" "y = 2"))
    (make-directory "src")
    (with-temp-file "src/b.py" (insert "# " book-note "\ny = 3\n"))
    (with-temp-file "src/c.py" (insert "# " book-note "\n"))
    (should (equal (cadr (should-error (book-check) :type 'book-error))
                   (concat "src/a.py:1: error: missing; run make tangle\n"
                           "src/b.py:1: error: changed; run make tangle\n"
                           "src/c.py:1: error: stale; run make tangle")))
    (should-not (file-exists-p "src/a.py"))
    (should (equal (test-tangle-read "src/b.py") (concat "# " book-note "\ny = 3\n")))))

(ert-deftest test-tangle-removes-nothing-for-an-empty-book ()
  (test-tangle-with (test-tangle-block "src/a.py" "x = 1")
    (let ((standard-output #'ignore)) (book-tangle))
    (with-temp-file "README.org")
    (should-error (book-tangle) :type 'book-error)
    (should (file-exists-p "src/a.py"))))

(ert-deftest test-tangle-takes-what-is-shown-for-shown ()
  (test-tangle-with "#+begin_example\n#+begin_src python :tangle no\n,#+INCLUDE: x\n#+end_src\n#+end_example\n~a << b >> c~\n"
    (should-not (book-faults))))

(defvar test-tangle-ran nil "Set by Lisp that must never run.")

(defconst test-tangle-refusals
  `(("\n#+begin_src python :tangle (setq test-tangle-ran t)\n#+end_src\n" "Lisp in :tangle")
    ("\n#+begin_src python :var x=(setq test-tangle-ran t)\n#+end_src\n" ":var is refused")
    ("\n#+header: :results '(x)\n" "Lisp in :results")
    ("\n:header-args: :tangle `(x)\n" "Lisp in :tangle")
    ("\n#+PROPERTY: header-args :dir (setq test-tangle-ran t)\n" "Lisp in :dir")
    ("\n#+MACRO: m (eval (setq test-tangle-ran t))\n" "a macro that runs Lisp")
    ("\n#+TITLE: (eval (setq test-tangle-ran t))\n{{{title}}}\n" "a macro that runs Lisp")
    ("\n#+header::results (setq test-tangle-ran t)\n" "Lisp in :results")
    ("\n#+PROPERTY: header-args+ (setq test-tangle-ran t)\n" "go on in another line")
    ("\n:header-args: :results\n" "go on in another line")
    ("\n#+begin_src python :tangle\f../x.py\n#+end_src\n" "control character")
    ("\n#+begin_src python :noweb yes\n#+end_src\n" ":noweb y is refused")
    ("\n#+INCLUDE: \"/etc/hostname\"\n" "the book is one file")
    ("\n#+SETUPFILE: x\n" "the book is one file")
    ("\n#+bind: x 1\n" "the book is one file")
    ("\n#+begin_src python :tangle ../x.py\n#+end_src\n" ":tangle ../x.py is refused")
    ("\n#+begin_src python :tangle src/../../x.py\n#+end_src\n" ":tangle src/../../x.py is refused")
    ("\n#+begin_src python :tangle /tmp/x.py\n#+end_src\n" ":tangle /tmp/x.py is refused")
    ("\n#+begin_src python :tangle src/a.py :tangle yes\n#+end_src\n" ":tangle yes is refused")
    (,(concat "#+begin_src python\n<" "<other>>\n#+end_src\n") "noweb references")
    (,(concat "\n# Local " "Variables:\n# eval: (setq test-tangle-ran t)\n# End:\n") "file-local variables")
    ("\n#+begin_src python\nx = 1\n" "this block is not closed before line")
    ("\n#+begin_src python\n* Heading\n" "this block is not closed before line 4")
    ("\n#+end_src\n" "closes a block that is not open")
    ("#+name: a\n#+name: a\n" "the name a is taken by line 2"))
  "Texts that must be refused, and what is said of them.")

(ert-deftest test-tangle-refuses-with-the-line ()
  (dolist (case test-tangle-refusals)
    (test-tangle-with (car case)
      (dolist (run (list #'book-tangle #'book-check #'book-page))
        (let ((said (cadr (should-error (funcall run) :type 'book-error))))
          (should (string-match-p (concat "\\`README\\.org:3: error: .*" (regexp-quote (cadr case))) said))))
      (should-not (file-exists-p "src"))))
  (should-not test-tangle-ran))
