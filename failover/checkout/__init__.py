"""The stack's folder as a Git checkout: which server it asks for, who asked, the commit afterwards."""
