import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProduct } from '../../product.ts'
import { imageHome, imageUser } from '../base-layer.ts'
import { entrypoint } from '../dray-layer.ts'
import { expectEqual, type ImageUnderTest, run } from './programs.ts'
import { unpackedRoot } from './check-unpacked.ts'

/** The command with which GitLab Runner searches for a shell, which then reads its script. */
const findShell = `if [ -x /usr/local/bin/bash ]; then
	exec /usr/local/bin/bash
elif [ -x /usr/bin/bash ]; then
	exec /usr/bin/bash
elif [ -x /bin/bash ]; then
	exec /bin/bash
elif [ -x /usr/local/bin/sh ]; then
	exec /usr/local/bin/sh
elif [ -x /usr/bin/sh ]; then
	exec /usr/bin/sh
elif [ -x /bin/sh ]; then
	exec /bin/sh
else
	echo shell not found
	exit 1
fi`

/** Of the package qemu-user-static. */
export const armEmulator = 'qemu-aarch64-static'

/** A user and group that the image does not have, as OpenShift chooses them. */
const otherUser = '1000670000:0'

/**
 * A mount namespace of its own, so that nothing of it remains: the arguments are the root, `ro` or
 * `rw`, USER:GROUP and the command.
 */
const script = `set -e
root=$1 mode=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o "remount,bind,$mode" "$root"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=${imageHome} chroot --userspec="$user" "$root" "$@"`

/** Starts the unpacked image of the architecture of this machine like container platforms do. */
export function checkStart(image: ImageUnderTest): void {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const root = unpackedRoot(image, architecture)
  const start = (mode: 'ro' | 'rw', user: string, args: readonly string[], input = ''): string =>
    startIn(root, [mode, user, ...args], input)
  const own = `${imageUser}:${imageUser}`
  for (const user of [own, otherUser, '0:0']) {
    // `docker run IMAGE --version`, GitLab with and without the entrypoint, `docker run IMAGE sh`
    expectVersion(process.arch, start('ro', user, [entrypoint, '--version']))
    expectVersion(process.arch, start('ro', user, [entrypoint, 'sh', '-c', findShell], 'dray --version\n'))
    expectVersion(
      process.arch,
      start('ro', user, ['sh', '-c', findShell], 'set -eo pipefail\ndray --version | cat\n'),
    )
  }
  expectEqual('the user', start('ro', own, ['id', '-un']), 'dray\n')
  const write = 'mktemp -p /tmp >/dev/null && mktemp -p ~ >/dev/null && echo written'
  for (const user of [own, otherUser])
    expectEqual('a write', start('rw', user, ['sh', '-c', write]), 'written\n')
}

/** Starts the image for arm64 on another machine with an emulator of the processor. */
export function checkEmulated(image: ImageUnderTest): void {
  const root = unpackedRoot(image, 'arm64')
  const emulator = run('sh', '-c', `command -v ${armEmulator}`).trim()
  copyFileSync(emulator, join(root, armEmulator))
  const start = (...args: readonly string[]): string =>
    startIn(root, ['ro', `${imageUser}:${imageUser}`, `/${armEmulator}`, ...args], '')
  expectEqual('the machine', start('/usr/bin/busybox', 'uname', '-m'), 'aarch64\n')
  expectVersion('arm64', start('/usr/bin/dray', '--version'))
}

function startIn(root: string, args: readonly string[], input: string): string {
  const all = ['--mount', 'sh', '-c', script, 'sh', root, ...args]
  return execFileSync('unshare', all, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] })
}

function expectVersion(architecture: string, output: string): void {
  const version = `dray/${readProduct().version} linux-${architecture} `
  if (!output.startsWith(version) || output.trimEnd().includes('\n'))
    throw new Error(`dray --version prints ${JSON.stringify(output)}, expected ${version}…`)
}
