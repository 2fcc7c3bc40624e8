"""Your own data: from one messy file to train, validation and test."""

from helpers.data.own.errors import OwnDataError
from helpers.data.own.read import OwnData, own_data, own_profile, saved_folder

__all__ = ["OwnData", "OwnDataError", "own_data", "own_profile", "saved_folder"]
