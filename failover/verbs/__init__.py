"""One module for each verb of ./inv, and the site file that they all read."""
