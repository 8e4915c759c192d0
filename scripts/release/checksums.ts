import { createHash } from 'node:crypto'
import { createReadStream, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** The files of a release that can be downloaded one by one. */
const published = ['*.tar.gz', '*.zip', '*.tgz', '*.deb', 'dray.cjs', 'sbom.cdx.json']

/** @returns the SHA-256 of a file in hexadecimal digits */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/**
 * Writes `checksums.txt`, which `sha256sum --check` reads, with every release file of the folder.
 * @throws Error if the folder has none.
 */
export async function writeChecksums(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = globSync(published, { cwd: folder }).toSorted()
  if (names.length === 0) throw new Error(`${folder} has no release files`)
  const hashes = new Map<string, string>()
  for (const name of names) hashes.set(name, await hashFile(join(folder, name)))
  writeFileSync(join(folder, 'checksums.txt'), formatChecksums(hashes))
  return hashes
}

export function formatChecksums(hashes: ReadonlyMap<string, string>): string {
  return [...hashes].map(([name, hash]) => `${hash}  ${name}\n`).join('')
}

/** The hashes by the names of the files. @throws Error if a line has another form. */
export function parseChecksums(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line): [string, string] => {
      const [, hash = '', name = ''] = /^([0-9a-f]{64}) [ *]([^/\\]+)$/.exec(line) ?? []
      if (name === '') throw new Error(`not a line of checksums.txt: ${JSON.stringify(line)}`)
      return [name, hash]
    }),
  )
}

/**
 * @returns the number of files. @throws Error with the names of files that are missing or differ.
 */
export async function verifyChecksums(folder: string): Promise<number> {
  const hashes = parseChecksums(readFileSync(join(folder, 'checksums.txt'), 'utf8'))
  const wrong: string[] = []
  for (const [name, hash] of hashes) {
    const isThere = existsSync(join(folder, name))
    if (!isThere || (await hashFile(join(folder, name))) !== hash) wrong.push(name)
  }
  if (wrong.length > 0 || hashes.size === 0)
    throw new Error(`these files are missing or differ from checksums.txt: ${wrong.join(', ')}`)
  return hashes.size
}
