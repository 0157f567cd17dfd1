"""`invoke adopt`: reads a server that exists and writes its site: observe → one value → files → proof."""
