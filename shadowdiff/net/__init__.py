"""Send requests and read answers: two transports behind one Protocol, and nothing about comparing."""
