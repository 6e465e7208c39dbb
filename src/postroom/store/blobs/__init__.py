"""The blob store: where large messages lie, in frames that open at any offset."""
