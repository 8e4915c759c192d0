/**
 * The applets of busybox that are commands of the image: those that scripts use. Its `wget` is not
 * one of them, because it does not verify certificates.
 */
export const applets: readonly string[] =
  `[ [[ arch ascii ash awk base64 basename bc bunzip2 bzcat bzip2 cal cat chgrp chmod chown clear cmp
   cp crc32 cut date dc dd df diff dirname dos2unix du echo egrep env expand expr factor false fgrep
   find fold free getopt grep groups gunzip gzip head hexdump hostname id install kill killall less
   link ln logger logname ls md5sum mkdir mkfifo mktemp more mv nl nproc nslookup od paste patch
   pidof ping printf ps pwd readlink realpath reset rev rm rmdir sed seq setsid sh sha1sum sha256sum
   sha512sum shuf sleep sort stat strings stty sync tac tail tar tee test time timeout top touch tr
   true truncate tty ts uname unexpand uniq unix2dos unlink unxz unzip uptime usleep vi watch wc which
   who whoami xargs xxd xz xzcat yes zcat`.split(/\s+/)

/**
 * Returns the applets of a busybox, whose names are in its table one after the other. The table of
 * both architectures begins with the same two names.
 */
export function appletsIn(busybox: Uint8Array): ReadonlySet<string> {
  const bytes = Buffer.from(busybox.buffer, busybox.byteOffset, busybox.byteLength)
  const start = bytes.indexOf('[\0[[\0')
  if (start < 0) throw new Error('the file is not a busybox with the applet [')
  return new Set(bytes.subarray(start, bytes.indexOf('\0\0', start)).toString('latin1').split('\0'))
}
