import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { basePackages } from '../../../scripts/release/image/debian/base-packages.ts'
import { downloadPackage } from '../../../scripts/release/image/debian/download.ts'
import { mirrorIn } from '../../../scripts/release/image/debian/mirror.ts'
import { architectures, pinsFor, readPins } from '../../../scripts/release/image/debian/pins.ts'
import { pinsIn } from '../../../scripts/release/image/debian/update-pins.ts'
import { digestOf, encodedOf } from '../../../src/oci/digest.ts'
import { tempFolder } from '../../support/temp.ts'

describe('the pins of packages of Debian', () => {
  it.each(architectures)('are one file for each package of the image for %s', (architecture) => {
    const pins = pinsFor(readPins(), architecture)
    expect(pins.map(({ name }) => name)).toEqual(basePackages.map(({ name }) => name))
    for (const pin of pins) {
      expect(pin.sha256).toMatch(/^[0-9a-f]{64}$/)
      // The name of a file has no epoch.
      const version = pin.version.replace(/^\d+:/, '')
      expect(pin.path).toMatch(/^pool\/(?:updates\/)?main\//)
      expect(pin.path.split('/').at(-1)).toBe(`${pin.name}_${version}_${pin.architecture}.deb`)
    }
  })
})

it('pins are read from a list of packages, with the source package of each', () => {
  const stanza = (name: string, ...lines: readonly string[]) =>
    [
      `Package: ${name}`,
      ...lines,
      'Architecture: amd64',
      `Filename: pool/main/${name}.deb`,
      'Size: 7',
      'SHA256: ab',
    ].join('\n')
  const list = [
    stanza('bash', 'Version: 5'),
    stanza('busybox-static', 'Source: busybox (1:1.37.0-6)', 'Version: 1:1.37.0-6+b9'),
    stanza('libc6', 'Source: glibc', 'Version: 2.41-12'),
    stanza('base-files', 'Version: 13.8', 'Description: files', ' Package: libc6'),
  ].join('\n\n')
  const found = pinsIn(`${list}\n`, 'debian-security')
  expect(found.map((pin) => [pin.name, pin.version, pin.source, pin.sourceVersion])).toEqual([
    ['busybox-static', '1:1.37.0-6+b9', 'busybox', '1:1.37.0-6'],
    ['libc6', '2.41-12', 'glibc', '2.41-12'],
    ['base-files', '13.8', 'base-files', '13.8'],
  ])
  expect(found[0]).toMatchObject({
    archive: 'debian-security',
    path: 'pool/main/busybox-static.deb',
    size: 7,
    sha256: 'ab',
  })
})

describe('a package of Debian', () => {
  const bytes = Buffer.from('the package')
  const pins = { release: '13', snapshot: '20261128T000000Z', packages: [] }
  const pin = {
    name: 'libc6',
    version: '2.41-12',
    architecture: 'amd64',
    source: 'glibc',
    sourceVersion: '2.41-12',
    archive: 'debian',
    path: 'pool/main/g/glibc/libc6.deb',
    size: bytes.byteLength,
    sha256: encodedOf(digestOf(bytes)),
  } as const

  /** Serves bytes by path. Returns the sources, and the paths of the requests. */
  async function serve(files: Readonly<Record<string, Uint8Array>>) {
    const requests: string[] = []
    const server = createServer((request, response) => {
      const path = request.url ?? ''
      requests.push(path)
      const found = files[path]
      response.writeHead(found === undefined ? 404 : 200).end(found)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const cache = join(await tempFolder(), 'cache')
    return { sources: { cache, mirror: `${origin}/mirror`, snapshots: `${origin}/snapshots` }, requests }
  }

  const atMirror = `/mirror/debian/${pin.path}`
  const atSnapshots = `/snapshots/debian/20261128T000000Z/${pin.path}`

  it('is downloaded once, and verified again when it is read from the cache', async () => {
    const { sources, requests } = await serve({ [atMirror]: bytes })
    for (let i = 0; i < 2; i++)
      expect(Buffer.from(await downloadPackage(pin, pins, sources)).toString()).toBe('the package')
    expect(requests).toEqual([atMirror])
    expect(readdirSync(sources.cache)).toEqual([`${pin.sha256}.deb`])
    writeFileSync(join(sources.cache, `${pin.sha256}.deb`), 'THE PACKAGE')
    expect(Buffer.from(await downloadPackage(pin, pins, sources)).toString()).toBe('the package')
    expect(requests).toEqual([atMirror, atMirror])
  })

  it('comes from the snapshots if apt of the machine has no mirror of Debian', async () => {
    const { sources, requests } = await serve({ [atSnapshots]: bytes })
    await downloadPackage(pin, pins, { ...sources, mirror: undefined })
    expect(requests).toEqual([atSnapshots])
  })

  it.each([
    ['http://a.test/debian-security/\nhttp://b.test/x/debian/\nhttp://c.test/debian\n', 'http://b.test/x'],
    ['http://a.test/ubuntu/\n', undefined],
    ['', undefined],
  ])('comes from the first mirror of Debian that apt lists: %j', (archives, mirror) => {
    expect(mirrorIn(archives)).toBe(mirror)
  })

  it('comes from the snapshots if the mirror has another version', async () => {
    const { sources, requests } = await serve({ [atSnapshots]: bytes })
    await downloadPackage(pin, pins, sources)
    expect(requests).toEqual([atMirror, atSnapshots])
  })

  it('is refused if its bytes are not those of the pin', async () => {
    const other = Buffer.from('the PACKAGE')
    const { sources } = await serve({ [atMirror]: other, [atSnapshots]: other })
    await expect(downloadPackage(pin, pins, sources)).rejects.toThrow(
      /^cannot download libc6 2\.41-12\n {2}http.*: the bytes are not those of the pin\n {2}http/,
    )
    expect(() => readdirSync(sources.cache)).toThrow('ENOENT')
  })
})
