"""What every benchmark shares: samples in processes of their own, ratios between neighbours, verdicts, tables."""
