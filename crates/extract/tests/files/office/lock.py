"""Writes a document again under the password `secret`: lock.py FROM TO FILTER."""

import pathlib
import subprocess
import sys
import tempfile

MACRO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
Sub Encrypt(source, target, filter)
  Dim none(0) As New com.sun.star.beans.PropertyValue
  none(0).Name = "Hidden"
  none(0).Value = True
  Dim how(1) As New com.sun.star.beans.PropertyValue
  how(0).Name = "FilterName"
  how(0).Value = filter
  Dim key(1) As New com.sun.star.beans.NamedValue
  key(0).Name = "CryptoType"
  key(0).Value = "Standard"
  key(1).Name = "OOXPassword"
  key(1).Value = "secret"
  If filter = "writer8" Then
    how(1).Name = "Password"
    how(1).Value = "secret"
  Else
    how(1).Name = "EncryptionData"
    how(1).Value = key()
  End If
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, none())
  document.storeToURL(target, how())
  document.close(True)
End Sub
</script:module>
"""
LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false">
 <library:element library:name="Module1"/>
</library:library>
"""

source, target, name = sys.argv[1:]
with tempfile.TemporaryDirectory() as home:
    basic = pathlib.Path(home, "user", "basic", "Standard")
    profile = f"-env:UserInstallation=file://{home}"
    subprocess.run(["soffice", profile, "--headless", "--terminate_after_init"], check=True)
    basic.mkdir(parents=True, exist_ok=True)
    (basic / "Module1.xba").write_text(MACRO)
    (basic / "script.xlb").write_text(LIBRARY)
    place = [pathlib.Path(it).resolve().as_uri() for it in (source, target)]
    call = f'macro:///Standard.Module1.Encrypt("{place[0]}","{place[1]}","{name}")'
    subprocess.run(["soffice", profile, "--headless", call], check=True)
