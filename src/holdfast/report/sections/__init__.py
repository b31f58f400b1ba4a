"""One section of the page a file: a study goes in; HTML, or nothing where there is nothing to show, comes out."""
