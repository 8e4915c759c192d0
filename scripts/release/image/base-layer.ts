import type { TarEntry } from '../tar.ts'
import { applets, appletsIn } from './applets.ts'
import { isIncluded } from './debian/base-packages.ts'
import { dpkgFiles, textFile } from './debian/dpkg-status.ts'
import { type DebianPackage, mergedFolders } from './debian/unpack.ts'

/** The user of the image, by number: Kubernetes cannot check a name against `runAsNonRoot`. */
export const imageUser = 65532
export const imageHome = '/home/dray'

const certificate = /^usr\/share\/ca-certificates\/mozilla\/[^/]+\.crt$/

/** The entries of the first layer: files of Debian, and what installing them would write. */
export function baseEntries(packages: readonly DebianPackage[]): readonly TarEntry[] {
  const included = (one: DebianPackage): readonly TarEntry[] =>
    one.files.filter(({ path, kind }) => kind !== 'folder' && isIncluded(one.name, path))
  const files = packages.flatMap(included)
  return [
    ...files,
    textFile('etc/ssl/certs/ca-certificates.crt', bundleOf(packages)),
    symlink('etc/os-release', '../usr/lib/os-release'),
    ...mergedFolders.map((name) => symlink(name, `usr/${name}`)),
    ...mergedFolders.map((name) => folder(`usr/${name}`)),
    ...appletLinks(files),
    ...accounts,
    ...folders,
    ...dpkgFiles(packages, included),
  ]
}

/** The certificates of ca-certificates in one file, like update-ca-certificates(8). */
function bundleOf(packages: readonly DebianPackage[]): string {
  const found = packages
    .flatMap(({ files }) => files)
    .flatMap((entry) => (entry.kind === 'file' && certificate.test(entry.path) ? [entry] : []))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  if (found.length === 0) throw new Error('ca-certificates has no certificates')
  return found.map(({ bytes }) => `${Buffer.from(bytes).toString('utf8').trimEnd()}\n`).join('')
}

function appletLinks(files: readonly TarEntry[]): readonly TarEntry[] {
  const busybox = files.find(({ path }) => path === 'usr/bin/busybox')
  if (busybox?.kind !== 'file') throw new Error('busybox-static has no usr/bin/busybox')
  const known = appletsIn(busybox.bytes)
  const missing = applets.filter((name) => !known.has(name))
  if (missing.length > 0) throw new Error(`busybox has no applets ${missing.join(', ')}`)
  return applets.map((name) => symlink(`usr/bin/${name}`, 'busybox'))
}

const accounts: readonly TarEntry[] = [
  textFile(
    'etc/passwd',
    `root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
dray:x:${imageUser}:${imageUser}:dray:${imageHome}:/bin/sh
`,
  ),
  textFile('etc/group', `root:x:0:\nnogroup:x:65534:\ndray:x:${imageUser}:\n`),
  textFile(
    'etc/nsswitch.conf',
    'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nnetworks: files\n',
  ),
]

/** Everybody may write to the home folder, because a platform may choose any user. */
const folders: readonly TarEntry[] = [
  ...['dev', 'proc', 'run', 'sys'].map((path) => folder(path)),
  folder('root', 0o700),
  ...['tmp', 'var/tmp', imageHome.slice(1)].map((path) => folder(path, 0o1777)),
]

function folder(path: string, mode = 0o755): TarEntry {
  return { kind: 'folder', path, mode }
}

function symlink(path: string, target: string): TarEntry {
  return { kind: 'symlink', path, target, mode: 0o777 }
}
