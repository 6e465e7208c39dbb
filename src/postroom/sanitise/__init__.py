"""What makes a mail's body safe and fit to show: HTML, CSS, text, quotes, cutting. Pure; knows no message format."""
