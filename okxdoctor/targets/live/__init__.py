"""The live target: the port over real sockets. :class:`okxdoctor.targets.live.target.LiveTarget` is the door."""
