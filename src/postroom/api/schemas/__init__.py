"""Wire shapes: msgspec Structs with exactly the members of the interface, always all of them.

Names here are snake_case and go out in camelCase. Rendering functions beside the shapes turn records into them.
"""
