"""One seed per item, which depends on nothing but the item's name and the seed of the command."""

import hashlib


def item_seed(seed: int, name: str) -> int:
    """Return the seed of one item: the same in any batch, on any shard, on any machine.

    Args:
        seed: What the user gave as `--seed`.
        name: Name of the item.

    Returns:
        A signed 64-bit integer, the hash (BLAKE2b) of both.

    Example:
        >>> item_seed(0, "mnist-test-00005") == item_seed(0, "mnist-test-00005")
        True
    """
    digest = hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", errors="surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
