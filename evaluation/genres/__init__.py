"""How well genres are told: the ensemble, its members and rivals, each track tested before it is learned."""
