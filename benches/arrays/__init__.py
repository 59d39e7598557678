"""Element-wise work on arrays: fused expressions, against libraries that fuse and libraries that do not."""
