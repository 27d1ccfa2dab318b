"""One file for each row of the catalogue: its sweep files, what they have to beat, and what else has to show."""
