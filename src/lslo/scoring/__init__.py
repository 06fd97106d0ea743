"""spBLEU and chrF++ of every direction, their means by resource class, and bootstrap tests."""
