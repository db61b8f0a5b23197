"""Pure functions: tables and arrays -> plotly figures."""
