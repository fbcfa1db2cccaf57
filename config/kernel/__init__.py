"""Pure foundations: errors, ids, instants, amounts. No Django here."""
