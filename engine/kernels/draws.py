"""Random numbers that belong to a thing: a hash of (seed, purpose, its number), so the same order draws the same."""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.jit import part

LATENCY_OUT, LATENCY_CHANGE, LATENCY_BACK, SLIP, REJECT, REQUOTE, PARTIAL, SHARE, MISSED = map(np.int64, range(9))
"""Purposes: what is drawn for."""
ATTEMPT = np.int64(1_000)
"""What sets apart the numbers of a draw that needs several of them: purpose + k x ATTEMPT."""


@part
def mix(z):
    """Every bit of a 64-bit number depends on every bit of it (Steele, Lea and Flood, SplitMix, OOPSLA 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@part
def uniform(seed, purpose, key, n):
    """The n-th number of thing `key` for that purpose, even in (0, 1)."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    z = mix(np.uint64(seed) + golden)
    z = mix(z + np.uint64(purpose + 1) * golden)
    z = mix(z + np.uint64(key + 1) * golden)
    z = mix(z + np.uint64(n + 1) * golden)
    return (np.float64(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@part
def normal(p):
    """The standard normal quantile of p in (0, 1), to about 16 digits.

    Wichura, The Percentage Points of the Normal Distribution, Applied Statistics 37 (1988), algorithm AS241 (PPND16).
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * middle(0.180625 - q * q)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    x = shoulder(r - 1.6) if r <= 5.0 else tail(r - 5.0)
    return -x if q < 0.0 else x


@part
def middle(r):
    up = 3.3430575583588128105e4 + r * 2.5090809287301226727e3
    up = 1.3731693765509461125e4 + r * (4.5921953931549871457e4 + r * (6.7265770927008700853e4 + r * up))
    up = 3.3871328727963666080e0 + r * (1.3314166789178437745e2 + r * (1.9715909503065514427e3 + r * up))
    down = 2.8729085735721942674e4 + r * 5.2264952788528545610e3
    down = 5.3941960214247511077e3 + r * (2.1213794301586595867e4 + r * (3.9307895800092710610e4 + r * down))
    return up / (1.0 + r * (4.2313330701600911252e1 + r * (6.8718700749205790830e2 + r * down)))


@part
def shoulder(r):
    up = 2.27238449892691845833e-2 + r * 7.74545014278341407640e-4
    up = 3.64784832476320460504e0 + r * (1.27045825245236838258e0 + r * (2.41780725177450611770e-1 + r * up))
    up = 1.42343711074968357734e0 + r * (4.63033784615654529590e0 + r * (5.76949722146069140550e0 + r * up))
    down = 5.47593808499534494600e-4 + r * 1.05075007164441684324e-9
    down = 6.89767334985100004550e-1 + r * (1.48103976427480074590e-1 + r * (1.51986665636164571966e-2 + r * down))
    return up / (1.0 + r * (2.05319162663775882187e0 + r * (1.67638483018380384940e0 + r * down)))


@part
def tail(r):
    up = 2.71155556874348757815e-5 + r * 2.01033439929228813265e-7
    up = 2.96560571828504891230e-1 + r * (2.65321895265761230930e-2 + r * (1.24266094738807843860e-3 + r * up))
    up = 6.65790464350110377720e0 + r * (5.46378491116411436990e0 + r * (1.78482653991729133580e0 + r * up))
    down = 1.42151175831644588870e-7 + r * 2.04426310338993978564e-15
    down = 1.48753612908506148525e-2 + r * (7.86869131145613259100e-4 + r * (1.84631831751005468180e-5 + r * down))
    return up / (1.0 + r * (5.99832206555887937690e-1 + r * (1.36929880922735805310e-1 + r * down)))


@part
def gamma(shape, seed, purpose, key, n):
    """A draw of the gamma distribution of that shape and scale 1.

    Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, ACM Trans. Math. Software 26 (2000): proposals
    that are rejected now and then, so each attempt has numbers of its own.
    """
    boost = 1.0
    if shape < 1.0:
        boost = uniform(seed, purpose + ATTEMPT, key, n) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    attempt = purpose
    while True:
        attempt += 2 * ATTEMPT
        x = normal(uniform(seed, attempt, key, n))
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(uniform(seed, attempt + ATTEMPT, key, n)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost * d * v


@part
def one_of(seed, purpose, key, n, at, count):
    """The index of one of `count` things from `at` on, each as likely."""
    return at + min(np.int64(uniform(seed, purpose, key, n) * count), count - 1)
