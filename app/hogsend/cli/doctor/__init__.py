"""`hogsend doctor`: one module for each area that is checked."""
