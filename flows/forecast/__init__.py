"""How many labels of an expensive level are enough: predicted before there are any, and told afterwards."""
