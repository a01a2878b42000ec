"""The tour: captures of our own writing, two real servers, a planted regression."""
