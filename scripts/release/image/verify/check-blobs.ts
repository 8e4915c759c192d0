import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, encodedOf } from '../../../../src/oci/digest.ts'
import { expectEqual, type ImageUnderTest } from './programs.ts'

/** @throws Error for a file whose name is not the digest of its bytes, and for files of no blob */
export function checkBlobs({ layout }: ImageUnderTest): void {
  expectEqual('the list of files', readdirSync(layout).sort(), ['blobs', 'index.json', 'oci-layout'])
  const folder = join(layout, 'blobs', 'sha256')
  for (const name of readdirSync(folder))
    expectEqual(`the digest of ${name}`, encodedOf(digestOf(readFileSync(join(folder, name)))), name)
}
