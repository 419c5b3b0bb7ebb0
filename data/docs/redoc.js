/* SPDX-License-Identifier: LGPL-2.1-or-later */
'use strict';

Redoc.init('/openapi.json', { disableSearch: false, hideLogo: true }, document.getElementById('docs'));
