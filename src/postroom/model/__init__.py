"""What Postroom talks about: typed ids and plain immutable records, with no behaviour and no I/O."""
