"""The devices of this machine: what is here, what is not, and how it is brought here. No toolkit is imported."""
