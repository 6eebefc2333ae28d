-- A path that names its bot serves earlier versions just as well.
SELECT 1;
