"""ThorLabs: ThorImage recordings (raw or TIFF), ThorSync clocks and what lies beside.

A recording is a folder with ``Experiment.xml`` and the images; ThorSync writes another
folder with ``Episode001.h5`` and ``ThorRealTimeDataSettings.xml``.
"""
