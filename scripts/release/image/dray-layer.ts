import type { TarEntry } from '../tar.ts'
import { textFile } from './debian/dpkg-status.ts'
import { readElf } from './elf.ts'

export const entrypoint = '/usr/bin/dray-entrypoint'

/**
 * CI systems start an image with the command of a shell, or with `cat` to keep it running. All
 * other arguments are those of dray (docs/decisions/image-entrypoint.md).
 */
const entrypointScript = `#!/bin/sh
case "\${1-}" in
  sh | ash | bash | cat | sleep | tail | env | dray | /*) exec "$@" ;;
  *) exec dray "$@" ;;
esac
`

/** The files of dray in the image. Texts are by their path, without the first slash. */
export interface DrayFiles {
  readonly binary: Uint8Array
  readonly texts: ReadonlyMap<string, string>
}

/** The entries of the second layer. */
export function drayEntries({ binary, texts }: DrayFiles): readonly TarEntry[] {
  return [
    { kind: 'file', path: 'usr/bin/dray', mode: 0o755, bytes: binary },
    textFile(entrypoint.slice(1), entrypointScript, 0o755),
    ...[...texts].map(([path, text]) => textFile(path, text)),
  ]
}

/**
 * Checks that the first layer can start the binary.
 * @throws Error naming the other architecture, or what is missing.
 */
export function checkBinary(binary: Uint8Array, architecture: string, base: readonly TarEntry[]): void {
  const program = readElf(binary)
  if (program.architecture !== architecture)
    throw new Error(`the binary for ${architecture} is for ${program.architecture}`)
  const names = new Set(base.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)))
  const wanted = [...program.needed, ...(program.interpreter?.split('/').slice(-1) ?? [])]
  const missing = [...new Set(wanted)].filter((name) => !names.has(name))
  if (missing.length > 0)
    throw new Error(
      `the binary for ${architecture} needs ${missing.join(', ')}: add the package to base-packages.ts`,
    )
}
