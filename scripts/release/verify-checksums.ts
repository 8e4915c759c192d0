/**
 * `node scripts/release/verify-checksums.ts FOLDER`: compares files with `checksums.txt`, on every
 * platform.
 */
import { verifyChecksums } from './checksums.ts'

const [, , folder = 'release'] = process.argv
console.log(`${await verifyChecksums(folder)} files match checksums.txt`)
