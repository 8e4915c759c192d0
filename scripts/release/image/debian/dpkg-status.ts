import { createHash } from 'node:crypto'
import type { TarEntry } from '../../tar.ts'
import type { DebianPackage } from './unpack.ts'

const folder = 'var/lib/dpkg'

/**
 * The files by which dpkg and scanners of vulnerabilities know the packages of a system: the file
 * `status`, and for each package its paths and their digests. `included` has the files of each
 * package that are in the image.
 */
export function dpkgFiles(
  packages: readonly DebianPackage[],
  included: (one: DebianPackage) => readonly TarEntry[],
): readonly TarEntry[] {
  const status = packages.map(({ control }) =>
    control.trimEnd().replace(/^(Package: .*)$/m, '$1\nStatus: install ok installed'),
  )
  return [
    textFile(`${folder}/status`, `${status.join('\n\n')}\n`),
    textFile(`${folder}/info/format`, '1\n'),
    ...packages.flatMap((one) => {
      const entries = included(one)
      const base = `${folder}/info/${infoName(one)}`
      return [
        textFile(`${base}.list`, joinLines(entries.map(({ path }) => `/${path}`))),
        textFile(
          `${base}.md5sums`,
          joinLines(
            entries.flatMap((entry) =>
              entry.kind === 'file' ? [`${hashMd5(entry.bytes)}  ${entry.path}`] : [],
            ),
          ),
        ),
      ]
    }),
  ]
}

/** The files of a package that can be installed for several architectures name its own. */
function infoName({ name, architecture, control }: DebianPackage): string {
  return /^Multi-Arch: same$/m.test(control) ? `${name}:${architecture}` : name
}

export function textFile(path: string, text: string, mode = 0o644): TarEntry {
  return { kind: 'file', path, mode, bytes: Buffer.from(text) }
}

function joinLines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}

function hashMd5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}
