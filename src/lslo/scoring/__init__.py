"""spBLEU and chrF++ of every direction, their means by class pair, and bootstrap tests."""
