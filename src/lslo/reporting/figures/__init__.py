"""The paper's figures: each function takes data frames and returns a figure and the data it shows."""
