"""One loop that trains every setting of a sweep."""
