"""The commands, a file each: a public function with the same words."""
