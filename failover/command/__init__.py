"""What every verb has around its flow: the site file, the choices of the command line, errors and reports."""
