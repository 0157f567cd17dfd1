"""The stack's folder as a Git checkout: which server it names, who decided that, the commit afterwards."""
