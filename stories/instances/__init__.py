"""Many instances of one chat service behind a session-sticky balancer, with one Redis."""
