"""Everything before the first lesson: install packages, choose a profile, and download it beforehand."""
