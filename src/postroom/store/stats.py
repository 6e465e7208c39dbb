"""What the store counts of itself."""


class CommitStats:
    """Commits, and how many transactions each made durable together."""

    BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)

    def __init__(self) -> None:
        self.commits = 0
        self.transactions = 0
        self.groups = [0] * (len(self.BUCKETS) + 1)
        """Commits by group size, up to and including each of BUCKETS; the last: larger ones."""

    def __call__(self, group_size: int) -> None:
        """Count a commit of that many transactions."""
        self.commits += 1
        self.transactions += group_size
        place = next((number for number, bound in enumerate(self.BUCKETS) if group_size <= bound), -1)
        self.groups[place] += 1
