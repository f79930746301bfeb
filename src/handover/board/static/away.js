// Unlocking while the server cannot be reached. Only a screen that was locked without a network keeps anything: what it
// showed, sealed for its officer. Whoever comes back by PIN has given no password at that moment; so a login with the
// password leaves a pair of keys here, of which anybody may use the one to seal, and the password alone (PBKDF2,
// AES-GCM) the other to open. All of it is in memory and nowhere else. No PIN opens what the server has not looked at.

import { draftsKey, goOffline } from './session.js';
import { restore, snapshot } from './desk.js';

const ROUNDS = 310000;
const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const able = Boolean(window.crypto && crypto.subtle);
const doors = new Map(); // by name, of whoever gave the password here: {salt, iv, shut, seal}
let sealed = null; // {name, by, iv, bytes} of whoever locked it

const random = (count) => crypto.getRandomValues(new Uint8Array(count));

async function keyFrom(password, salt, use) {
  const raw = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ROUNDS }, raw, { name: 'AES-GCM', length: 256 }, false, [use]);
}

const between = (mine, theirs, use) => crypto.subtle.deriveKey({ name: 'ECDH', public: theirs }, mine, { name: 'AES-GCM', length: 256 }, false, [use]);

// At every login with the password: the password itself is not kept.
export async function meet(name, password) {
  forget();
  if (!able) return;
  const [salt, iv] = [random(16), random(12)];
  const pair = await crypto.subtle.generateKey(CURVE, true, ['deriveKey']);
  const shut = await crypto.subtle.wrapKey('pkcs8', pair.privateKey, await keyFrom(password, salt, 'wrapKey'), { name: 'AES-GCM', iv });
  doors.set(name, { salt, iv, shut, seal: pair.publicKey });
}

// The server has let somebody in: what was sealed is of no use any more.
export function forget() {
  sealed = null;
}

// At a lock without a network.
export async function close(name, offline) {
  const door = doors.get(name);
  if (!door || !offline) return;
  const iv = random(12);
  const once = await crypto.subtle.generateKey(CURVE, false, ['deriveKey']);
  const said = new TextEncoder().encode(JSON.stringify({ key: draftsKey(), desk: snapshot() }));
  const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await between(once.privateKey, door.seal, 'encrypt'), said);
  sealed = { name, by: once.publicKey, iv, bytes };
}

// Answers whether this opens the screen; the login is made up for as soon as the server is back.
export async function open(name, password) {
  if (!keeps(name)) return false;
  const { salt, iv, shut } = doors.get(name);
  try {
    const mine = await crypto.subtle.unwrapKey('pkcs8', shut, await keyFrom(password, salt, 'unwrapKey'), { name: 'AES-GCM', iv }, CURVE, false, ['deriveKey']);
    const said = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv }, await between(mine, sealed.by, 'decrypt'), sealed.bytes);
    const kept = JSON.parse(new TextDecoder().decode(said));
    goOffline(name, password, kept.key);
    restore(kept.desk);
    return true;
  } catch (wrong) {
    await new Promise((done) => setTimeout(done, 1000));
    return false;
  }
}

export const keeps = (name) => Boolean(sealed && sealed.name === name && doors.has(name));
