"""`/kommun`: the kommun's desk. All own points in a grid, reports on behalf of them, the register, printed sheets."""
