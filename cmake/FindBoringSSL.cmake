# FindBoringSSL: BoringSSL's libcrypto, in either of the two forms it comes in.
#
#   Debian, Ubuntu   android-libboringssl-dev: headers in /usr/include/android, shared libraries in
#                    <multiarch>/android, which the loader does not search: whoever links needs an rpath
#   upstream         a prefix that CMAKE_PREFIX_PATH (or BoringSSL_ROOT) names: include/openssl and a libcrypto.a of C++
#                    objects, or a libcrypto.so
#
# Gives the target BoringSSL::Crypto and BoringSSL_INCLUDE_DIR, BoringSSL_CRYPTO_LIBRARY, BoringSSL_API_VERSION,
# BoringSSL_IS_STATIC and BoringSSL_RPATH (empty if the loader finds the library by itself).  An OpenSSL that stands
# where BoringSSL is looked for is an error and is never linked: the two share names, not layouts.
#
# Also installed with handfast's CMake package, which looks libcrypto up again with it.

set(_boringssl_help "install android-libboringssl-dev (Debian, Ubuntu) or set CMAKE_PREFIX_PATH to a BoringSSL")

if(NOT CMAKE_LIBRARY_ARCHITECTURE)
  foreach(_arch IN ITEMS x86_64 aarch64 arm)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL _arch AND EXISTS "/usr/lib/${_arch}-linux-gnu")
      set(_boringssl_multiarch "${_arch}-linux-gnu")
    endif()
  endforeach()
else()
  set(_boringssl_multiarch "${CMAKE_LIBRARY_ARCHITECTURE}")
endif()

# What the user names comes first, then Debian's directories, then wherever the compiler looks by itself.
set(_boringssl_roots ${BoringSSL_ROOT} $ENV{BoringSSL_ROOT} ${CMAKE_PREFIX_PATH})
if(DEFINED ENV{CMAKE_PREFIX_PATH})
  string(REPLACE ":" ";" _boringssl_env "$ENV{CMAKE_PREFIX_PATH}")
  list(APPEND _boringssl_roots ${_boringssl_env})
endif()
find_path(BoringSSL_INCLUDE_DIR openssl/crypto.h
  PATHS ${_boringssl_roots} PATH_SUFFIXES include/android include NO_DEFAULT_PATH)
find_path(BoringSSL_INCLUDE_DIR openssl/crypto.h PATHS /usr/include/android NO_DEFAULT_PATH)
find_path(BoringSSL_INCLUDE_DIR openssl/crypto.h)

set(BoringSSL_API_VERSION "")
set(_boringssl_problem "")
if(NOT BoringSSL_INCLUDE_DIR)
  set(_boringssl_problem "BoringSSL was not found: ${_boringssl_help}.")
elseif(EXISTS "${BoringSSL_INCLUDE_DIR}/openssl/base.h")
  file(STRINGS "${BoringSSL_INCLUDE_DIR}/openssl/base.h" _boringssl_lines
    REGEX "^#[ \t]*define[ \t]+(OPENSSL_IS_BORINGSSL|BORINGSSL_API_VERSION)")
  if(_boringssl_lines MATCHES "OPENSSL_IS_BORINGSSL" AND _boringssl_lines MATCHES "BORINGSSL_API_VERSION[ \t]+([0-9]+)")
    set(BoringSSL_API_VERSION "${CMAKE_MATCH_1}")
  endif()
endif()
if(BoringSSL_INCLUDE_DIR AND NOT BoringSSL_API_VERSION)
  set(_boringssl_problem "What is in ${BoringSSL_INCLUDE_DIR} is OpenSSL and not BoringSSL: ${_boringssl_help}.")
endif()

if(NOT _boringssl_problem)
  # Headers and library belong together: the library is looked for beside the headers and nowhere else.
  get_filename_component(_boringssl_dir "${BoringSSL_INCLUDE_DIR}" DIRECTORY)
  set(_boringssl_lib_dirs "")
  if(BoringSSL_INCLUDE_DIR MATCHES "/include/android$")
    get_filename_component(_boringssl_dir "${_boringssl_dir}" DIRECTORY)
    list(APPEND _boringssl_lib_dirs "${_boringssl_dir}/lib/${_boringssl_multiarch}/android" "${_boringssl_dir}/lib/android")
  else()
    list(APPEND _boringssl_lib_dirs "${_boringssl_dir}/lib" "${_boringssl_dir}/lib64"
      "${_boringssl_dir}/lib/${_boringssl_multiarch}" "${_boringssl_dir}/build" "${_boringssl_dir}/build/crypto"
      "${_boringssl_dir}")
  endif()
  find_library(BoringSSL_CRYPTO_LIBRARY NAMES crypto PATHS ${_boringssl_lib_dirs} NO_DEFAULT_PATH)
  if(NOT BoringSSL_CRYPTO_LIBRARY)
    set(_boringssl_problem
      "BoringSSL's headers are in ${BoringSSL_INCLUDE_DIR}, but its libcrypto is not beside them: ${_boringssl_help}.")
  endif()
endif()

if(_boringssl_problem)
  # Nothing is remembered, so that the next attempt looks again.
  unset(BoringSSL_INCLUDE_DIR CACHE)
  unset(BoringSSL_CRYPTO_LIBRARY CACHE)
  set(BoringSSL_FOUND FALSE)
  if(BoringSSL_FIND_REQUIRED)
    message(FATAL_ERROR "${_boringssl_problem}")
  elseif(NOT BoringSSL_FIND_QUIETLY)
    message(STATUS "${_boringssl_problem}")
  endif()
  return()
endif()

set(BoringSSL_FOUND TRUE)
set(BoringSSL_VERSION "${BoringSSL_API_VERSION}")
mark_as_advanced(BoringSSL_INCLUDE_DIR BoringSSL_CRYPTO_LIBRARY)
get_filename_component(_boringssl_lib_dir "${BoringSSL_CRYPTO_LIBRARY}" DIRECTORY)
if(BoringSSL_CRYPTO_LIBRARY MATCHES "\\.a$")
  set(BoringSSL_IS_STATIC TRUE)
  set(BoringSSL_RPATH "")
else()
  set(BoringSSL_IS_STATIC FALSE)
  if(_boringssl_lib_dir MATCHES "^(/usr)?/lib(64)?(/${_boringssl_multiarch})?$")
    set(BoringSSL_RPATH "")
  else()
    set(BoringSSL_RPATH "${_boringssl_lib_dir}")
  endif()
endif()

find_package(Threads REQUIRED)
if(NOT TARGET BoringSSL::Crypto)
  if(BoringSSL_IS_STATIC)
    add_library(BoringSSL::Crypto STATIC IMPORTED)
    # Its objects are C++: whoever links it, links with the C++ driver.
    set_target_properties(BoringSSL::Crypto PROPERTIES IMPORTED_LINK_INTERFACE_LANGUAGES CXX)
  else()
    add_library(BoringSSL::Crypto SHARED IMPORTED)
  endif()
  set_target_properties(BoringSSL::Crypto PROPERTIES
    IMPORTED_LOCATION "${BoringSSL_CRYPTO_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${BoringSSL_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
if(NOT BoringSSL_FIND_QUIETLY)
  message(STATUS "Found BoringSSL, API version ${BoringSSL_API_VERSION}: ${BoringSSL_CRYPTO_LIBRARY}")
endif()
