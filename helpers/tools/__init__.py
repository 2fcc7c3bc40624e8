"""Tools for the people who maintain the course: change links, take pictures, build the data and the model."""
