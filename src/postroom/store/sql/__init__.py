"""SQL, one module for each aggregate. Repositories know nothing of each other; the domain composes them."""
